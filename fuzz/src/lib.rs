//! What the fuzz targets do with their bytes, and the small models that they do it to. The tests of
//! the workspace run the same functions on the seeds.

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::optim::GradientsParams;
use burn::tensor::{Bool, Bytes, Device, Int, Tensor, TensorData};
use burn_seven_core::{
    CubicSchedule, Error, MaskMode, Pruner, PrunerConfig, PrunerRecord, SevenScorerConfig, Sparsity,
};
use burn_seven_sparse::{LoadConfig, Names, load_masks_bytes};

/// A model with a parameter of each kind that a file can hold.
#[derive(Module, Debug)]
pub struct Small {
    /// The layer of the worked example: 3 outputs of 10 inputs.
    pub fc: Linear,
    /// 4 rows of 24 columns.
    pub embedding: Embedding,
    /// 2 rows of 36 columns.
    pub conv: Conv2d,
    /// Of 3 features.
    pub norm: LayerNorm,
    /// Whole numbers, shape `[2]`.
    pub counts: Param<Tensor<1, Int>>,
    /// Truth values, shape `[3]`.
    pub flags: Param<Tensor<1, Bool>>,
}

impl Small {
    /// Of zeros and a few other values.
    pub fn new(device: &Device) -> Self {
        let mut fc = LinearConfig::new(10, 3).init(device);
        let mut weight = [[0f32; 3]; 10];
        (weight[0][0], weight[3][0], weight[9][0]) = (1.0, -2.0, 0.5);
        (weight[1][2], weight[7][2], weight[8][2]) = (4.0, -0.25, 8.0);
        fc.weight = fc.weight.map(|_| Tensor::from_data(weight, device));
        fc.bias = fc.bias.map(|bias| bias.map(|_| Tensor::zeros([3], device)));
        let mut embedding = EmbeddingConfig::new(4, 24).init(device);
        let mut rows = [[0f32; 24]; 4];
        (rows[1][1], rows[2][23]) = (1.0, -1.0);
        embedding.weight = embedding.weight.map(|_| Tensor::from_data(rows, device));
        let mut conv = Conv2dConfig::new([4, 2], [3, 3])
            .with_bias(false)
            .init(device);
        let mut kernels = [[[[0f32; 3]; 3]; 4]; 2];
        (kernels[0][1][0][2], kernels[1][3][2][2]) = (1.0, -1.0);
        conv.weight = conv.weight.map(|_| Tensor::from_data(kernels, device));
        Self {
            fc,
            embedding,
            conv,
            norm: LayerNormConfig::new(3).init(device),
            counts: Param::initialized(ParamId::new(), Tensor::from_data([7, -7], device)),
            flags: Param::initialized(
                ParamId::new(),
                Tensor::from_data([true, false, true], device),
            ),
        }
    }
}

/// Reads bytes as a sparse file, by its header's names and as Burn's, and as masks.
pub fn sparse_file(bytes: &[u8], model: &Small, device: &Device) {
    let configs = [
        LoadConfig::new(),
        LoadConfig::new().with_partial(true),
        LoadConfig::new().with_names(Names::Burn).with_partial(true),
    ];
    for config in configs {
        if let Ok((model, _)) = config.load_bytes(model, bytes.to_vec()) {
            assert_eq!(model.fc.weight.dims(), [10, 3]);
        }
    }
    if let Ok(masks) = load_masks_bytes(bytes.to_vec(), device) {
        assert!(masks.kept() <= masks.total());
        let _ = masks.apply(model.clone());
    }
}

/// Two layers, a pruner in the middle of its schedule, and gradients for one more step.
pub struct Running {
    /// The pruner.
    pub pruner: Pruner,
    model: Layers,
    grads: GradientsParams,
}

/// What is pruned.
#[derive(Module, Debug)]
struct Layers {
    first: Linear,
    second: Linear,
}

impl Running {
    /// After two of four steps, in either mode.
    ///
    /// # Errors
    ///
    /// None: the pruner fits the model.
    pub fn new(mode: MaskMode, device: &Device) -> Result<Self, Error> {
        let device = device.clone().autodiff();
        let linear = LinearConfig::new(4, 4).with_bias(false);
        let (first, second) = (linear.init(&device), linear.init(&device));
        let fill = |mut layer: Linear, by: f32| {
            let values: Vec<f32> = (-8..8i8).map(|value| f32::from(value) * by).collect();
            let values = Tensor::from_data(TensorData::new(values, [4, 4]), &device);
            layer.weight = layer.weight.map(|_| values.require_grad());
            layer
        };
        let mut model = Layers {
            first: fill(first, 0.125),
            second: fill(second, -0.5),
        };
        let schedule = CubicSchedule::new(0..4, Sparsity::new(0.5)?);
        let config = PrunerConfig::new(schedule).with_mode(mode);
        let mut pruner = config.init(SevenScorerConfig::new().init(), &model)?;
        model = pruner.attach(model).unwrap();
        let mut grads = model.grads();
        for _ in 0..2 {
            model = pruner.step(model, &grads)?;
            if mode == MaskMode::AfterStep {
                model = pruner.after_step(model)?;
            }
            grads = model.grads();
        }
        Ok(Self {
            pruner,
            model,
            grads,
        })
    }
}

impl Layers {
    fn grads(&self) -> GradientsParams {
        let device = self.first.weight.device();
        let output = self
            .second
            .forward(self.first.forward(Tensor::<2>::ones([1, 4], &device)));
        GradientsParams::from_grads(output.square().sum().backward(), self)
    }
}

/// Reads bytes as a pruner's record, puts it in the pruner's place and takes a step.
pub fn pruner_record(bytes: &[u8], running: &Running) {
    let Ok(record) = PrunerRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec())) else {
        return;
    };
    let mut pruner = running.pruner.clone();
    if pruner.load_record(record).is_ok() {
        let _ = pruner.step(running.model.clone(), &running.grads);
    }
}
