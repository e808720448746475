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
use crate::read_back::Asked;
use crate::tensors::sealed::Tensors;
use crate::value::Value;

/// A forward pass as Burn recorded it.
#[derive(Debug)]
pub struct Captured<O> {
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
    /// The outputs' structure.
    pub template: O,
}

/// Runs `forward` without computing anything, and gives the operations it asked for.
///
/// Parameters and inputs have their shapes but no values there, so nothing is copied, and a forward
/// pass that reads a value fails rather than having it built in.
///
/// # Errors
///
/// As [`compile`](crate::compile).
pub fn capture<M: Module, I: Tensors, O: Tensors>(
    model: &M,
    inputs: &I,
    forward: impl Fn(&M, I) -> O,
) -> Result<Captured<O>, CompileError> {
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
    let (mut template, mut failed, mut panicked) = (None, None, None);
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
                    panicked = Some(message(panic));
                    return scope.complete([], []);
                }
            };
            failed = outputs.ids(&mut output_ids).err();
            let mut unique = output_ids.clone();
            unique.sort_unstable();
            unique.dedup();
            template = Some(outputs);
            scope.complete([], unique)
        })
    }));
    if let Some(error) = ghosts.error.or(failed) {
        return Err(error);
    }
    let captured = captured.map_err(|panic| CompileError::Capture {
        message: message(panic),
    })?;
    if let Some(message) = panicked {
        let operations = captured.map_or(Vec::new(), |graph| graph.graph.operations);
        let asked = Asked {
            inputs: &input_ids,
            paths: &ghosts.paths,
            operations: &operations,
        };
        return Err(asked.error(message));
    }
    let graph = captured.map_err(|error| CompileError::Capture {
        message: error.to_string(),
    })?;
    let Some(template) = template else {
        let message = "the capture ended early".to_string();
        return Err(CompileError::Capture { message });
    };
    Ok(Captured {
        operations: graph.graph.operations,
        data: graph.values,
        parameters: ghosts.parameters,
        paths: ghosts.paths,
        inputs: input_ids,
        outputs: output_ids,
        template,
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

/// Puts tensors without values on the capture device in the place of parameters.
struct Ghosts<'a> {
    device: &'a Device,
    path: Vec<String>,
    parameters: HashMap<TensorId, Value>,
    paths: HashMap<TensorId, String>,
    error: Option<CompileError>,
}

macro_rules! put {
    ($self:ident, $param:ident) => {
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
            let ghost = Tensor::empty(tensor.shape(), ($self.device, tensor.dtype()));
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
        put!(self, param)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        put!(self, param)
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        put!(self, param)
    }
}
