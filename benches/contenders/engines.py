"""What runs models in this process. An engine gives an output, and the seconds of runs one after the other."""

import time

import onnxruntime
import torch


class Engine:
    def run(self):
        raise NotImplementedError

    def output(self):
        return self.run()

    def seconds(self, runs):
        taken = []
        for _ in range(runs):
            start = time.perf_counter()
            self.run()
            taken.append(time.perf_counter() - start)
        return taken

    def processor(self):
        """Seconds that a processor has worked for it since it started."""
        return time.process_time()

    def processor_seconds(self, runs):
        """The mean of runs: what else the machine does meanwhile does not count."""
        before = self.processor()
        self.seconds(runs)
        return (self.processor() - before) / runs


class Torch(Engine):
    def __init__(self, model, inputs):
        self.model = model
        self.inputs = tuple(inputs.values())

    def run(self):
        with torch.inference_mode():
            return self.model(*self.inputs)

    def output(self):
        return self.run().numpy()


class OnnxRuntime(Engine):
    """All the optimizations that a session makes by itself, which is its default."""

    def __init__(self, path, inputs, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Its threads should not wait on a core that the next engine needs.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = {name: tensor.numpy() for name, tensor in inputs.items()}

    def run(self):
        return self.session.run(None, self.inputs)[0]
