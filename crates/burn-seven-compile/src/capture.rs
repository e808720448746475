//! Recording a forward pass: the one place that talks to Burn's capture device.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use burn::backend::Flex;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Bool, DType, Device, DeviceConfig, Int, Tensor, TensorData};
use burn_ir::{OperationIr, TensorId};

use crate::CompileError;
use crate::error::message;
use crate::fold;
use crate::read_back::{self, Asked};
use crate::served::{Served, Serving};
use crate::tensors::sealed::Tensors;
use crate::value::Value;

/// A forward pass as Burn recorded it.
#[derive(Debug)]
pub struct Captured {
    /// What it did, in order.
    pub operations: Vec<OperationIr>,
    /// Constants that the forward pass made.
    pub data: BTreeMap<TensorId, TensorData>,
    /// Constants that are the module's parameters.
    pub parameters: HashMap<TensorId, Value>,
    /// The parameters' paths in the module.
    pub paths: HashMap<TensorId, String>,
    /// The inputs, in order.
    pub inputs: Vec<TensorId>,
    /// The outputs, in order.
    pub outputs: Vec<TensorId>,
}

/// Runs `forward` without computing anything, and gives the operations it asked for and its outputs,
/// which tell their structure.
///
/// Parameters and inputs have their shapes but no values there, so weights are not copied, and a
/// forward pass that reads values of inputs fails rather than having them built in. Where it reads
/// what depends on constants alone, those values are computed, and it is run again with them.
///
/// # Errors
///
/// As [`compile`](crate::compile).
pub fn capture<M: Module, I: Tensors, O: Tensors>(
    model: &M,
    inputs: &I,
    forward: impl Fn(&M, I) -> O,
) -> Result<(Captured, O), CompileError> {
    let (mut served, mut missed) = (Vec::new(), 0);
    loop {
        match attempt(model, inputs, &forward, &served)? {
            Attempt::Whole(captured, outputs) => return Ok((*captured, outputs)),
            Attempt::Reads(constant) if served.len() < READS => served.push(constant),
            Attempt::Reads(_) => {
                let message =
                    format!("it reads more than {READS} constants, or another one each time");
                return Err(CompileError::Capture { message });
            }
            // Another thread captures on a device of its own, or the forward pass varies.
            Attempt::Missed if missed < 8 => missed += 1,
            Attempt::Missed => {
                let message = "its operations are not the same each time".to_string();
                return Err(CompileError::Capture { message });
            }
        }
    }
}

/// How many constants a forward pass may read: it is run once more for each.
const READS: usize = 256;

/// What running a forward pass came to.
enum Attempt<O> {
    Whole(Box<Captured>, O),
    /// It reads a constant whose values it was not given.
    Reads(Served),
    /// It was given values in the wrong place.
    Missed,
}

fn attempt<M: Module, I: Tensors, O: Tensors>(
    model: &M,
    inputs: &I,
    forward: &impl Fn(&M, I) -> O,
    served: &[Served],
) -> Result<Attempt<O>, CompileError> {
    let recorded = record(model, inputs, forward, served)?;
    let Recorded {
        mut captured,
        serving,
        ended,
    } = recorded;
    if !serving.settle(served, &mut captured.operations, &mut captured.data) {
        return Ok(Attempt::Missed);
    }
    let message = match ended {
        Ok(outputs) => return Ok(Attempt::Whole(Box::new(captured), outputs)),
        Err(message) => message,
    };
    let constant = read_back::read(&message).and_then(|id| {
        let value = fold::value(&captured, id)?;
        serving.constant(id, &captured.operations, value.0.into_data())
    });
    match constant {
        Some(constant) if !served.contains(&constant) => Ok(Attempt::Reads(constant)),
        _ => {
            let asked = Asked {
                inputs: &captured.inputs,
                paths: &captured.paths,
                operations: &captured.operations,
            };
            Err(asked.error(message))
        }
    }
}

/// A forward pass as far as it came.
struct Recorded<O> {
    captured: Captured,
    serving: Serving,
    /// Its outputs, or what it said where it ended by a panic.
    ended: Result<O, String>,
}

fn record<M: Module, I: Tensors, O: Tensors>(
    model: &M,
    inputs: &I,
    forward: &impl Fn(&M, I) -> O,
    served: &[Served],
) -> Result<Recorded<O>, CompileError> {
    let Some(_guard) = Capturing::begin() else {
        let message = "its forward pass compiles another model".to_string();
        return Err(CompileError::Capture { message });
    };
    // One device for the process, since there are only so many, and one capture at a time on it.
    static DEVICE: OnceLock<Mutex<Device>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| Mutex::new(Device::capture()));
    let device = device.lock().unwrap_or_else(PoisonError::into_inner);
    let device: &Device = &device;

    let mut ghosts = Ghosts {
        device,
        path: Vec::new(),
        parameters: HashMap::new(),
        paths: HashMap::new(),
        error: None,
    };
    let (mut input_ids, mut output_ids) = (Vec::new(), Vec::new());
    let (mut ended, mut failed, mut serving) = (None, None, None);
    // Captured tensors that a panic leaves behind are of a closed scope; the model is only read.
    let captured = catch_unwind(AssertUnwindSafe(|| {
        device.capture_scope(|scope| {
            let like = Device::flex().settings();
            let config = DeviceConfig::default()
                .float_dtype(like.float_dtype)
                .int_dtype(like.int_dtype)
                .bool_dtype(like.bool_dtype);
            // A device takes its settings once; later scopes find them.
            let _ = device.clone().configure(config);
            serving = Serving::begin(device, served);
            // `valid` first: it detaches running statistics from the caller's model.
            let model = model.valid().map(&mut ghosts);
            if ghosts.error.is_some() {
                return scope.complete([], []);
            }
            let model = model.to_device(device);
            let inputs = inputs.ghosts(device, &mut input_ids);
            // A scope that ends as it should gives the operations that came before a panic.
            let outputs = match catch_unwind(AssertUnwindSafe(|| forward(&model, inputs))) {
                Ok(outputs) => outputs,
                Err(panic) => {
                    ended = Some(Err(message(panic)));
                    return scope.complete([], []);
                }
            };
            failed = outputs.ids(&mut output_ids).err();
            let mut unique = output_ids.clone();
            unique.sort_unstable();
            unique.dedup();
            ended = Some(Ok(outputs));
            scope.complete([], unique)
        })
    }));
    if let Some(error) = ghosts.error.or(failed) {
        return Err(error);
    }
    let captured = captured.map_err(|panic| CompileError::Capture {
        message: message(panic),
    })?;
    let (operations, data) = match captured {
        Ok(graph) => (graph.graph.operations, graph.values),
        // What came before a panic may be no graph.
        Err(_) if matches!(ended, Some(Err(_))) => Default::default(),
        Err(error) => {
            let message = error.to_string();
            return Err(CompileError::Capture { message });
        }
    };
    let (Some(serving), Some(ended)) = (serving, ended) else {
        let message = "the capture ended early".to_string();
        return Err(CompileError::Capture { message });
    };
    Ok(Recorded {
        captured: Captured {
            operations,
            data,
            parameters: ghosts.parameters,
            paths: ghosts.paths,
            inputs: input_ids,
            outputs: output_ids,
        },
        serving,
        ended,
    })
}

thread_local! {
    /// Whether this thread is capturing.
    static CAPTURING: Cell<bool> = const { Cell::new(false) };
}

/// A thread captures one forward pass at a time: for another it would wait for itself.
struct Capturing;

impl Capturing {
    fn begin() -> Option<Self> {
        (!CAPTURING.replace(true)).then_some(Self)
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        CAPTURING.set(false);
    }
}

/// Puts tensors without values on the capture device in the place of parameters. Integers and
/// booleans have theirs: they are few, and mostly there to be read.
struct Ghosts<'a> {
    device: &'a Device,
    path: Vec<String>,
    parameters: HashMap<TensorId, Value>,
    paths: HashMap<TensorId, String>,
    error: Option<CompileError>,
}

macro_rules! put {
    ($self:ident, $param:ident, $ghost:expr) => {
        $param.map(|tensor| {
            let path = $self.path.join(".");
            if let DType::QFloat(_) = tensor.dtype() {
                let found = tensor.dtype();
                $self
                    .error
                    .get_or_insert(CompileError::Quantized { path, found });
                return tensor;
            }
            let device = tensor.device();
            let Ok(value) = tensor.clone().try_into_primitive::<Flex>() else {
                $self.error.get_or_insert(CompileError::Device {
                    name: path,
                    found: format!("{device:?}"),
                });
                return tensor;
            };
            let ghost = $ghost(&tensor, ($self.device, tensor.dtype()));
            let mut ids = Vec::new();
            // A tensor made on a capture device is on it.
            let _ = Tensors::ids(&ghost, &mut ids);
            for id in ids {
                $self.paths.insert(id, path.clone());
                $self.parameters.insert(id, Value(value.clone()));
            }
            ghost
        })
    };
}

impl ModuleMapper for Ghosts<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        put!(self, param, |tensor: &Tensor<D>, options| {
            Tensor::empty(tensor.shape(), options)
        })
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        put!(self, param, |tensor: &Tensor<D, Int>, options| {
            Tensor::from_data(tensor.to_data(), options)
        })
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        put!(self, param, |tensor: &Tensor<D, Bool>, options| {
            Tensor::from_data(tensor.to_data(), options)
        })
    }
}
