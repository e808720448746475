#![allow(missing_docs, clippy::unwrap_used)]
use burn::module::{Module, ModuleMapper, Param};
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use std::time::Instant;
struct Prune(f64);
impl ModuleMapper for Prune {
    fn map_float<const D: usize>(&mut self, p: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if D != 2 {
            return p;
        }
        p.map(|t| {
            let n = t.shape().num_elements();
            let mut v: Vec<f32> = t.to_data().to_vec().unwrap();
            let mut a: Vec<f32> = v.iter().map(|x| x.abs()).collect();
            a.sort_by(f32::total_cmp);
            let cut = a[((n as f64 * self.0) as usize).min(n - 1)];
            for x in &mut v {
                if x.abs() < cut {
                    *x = 0.0;
                }
            }
            Tensor::<D>::from_data(TensorData::new(v, t.shape()), &t.device())
        })
    }
}
fn main() {
    let args: Vec<f64> = std::env::args()
        .skip(1)
        .map(|s| s.parse().unwrap())
        .collect();
    let (b, l, s) = (args[0] as usize, args[1] as usize, args[2]);
    let device = Device::flex();
    let model: TransformerEncoder = TransformerEncoderConfig::new(384, 1536, 12, 6)
        .with_dropout(0.0)
        .init(&device);
    let model = model.map(&mut Prune(s));
    let x = Tensor::<3>::random([b, l, 384], Distribution::Normal(0.0, 1.0), &device);
    let f = |m: &TransformerEncoder, x: Tensor<3>| m.forward(TransformerEncoderInput::new(x));
    let t = Instant::now();
    let fast = burn_seven_compile::compile(&model, x.clone(), f).unwrap();
    println!("compiled in {:?}", t.elapsed());
    println!("{}", fast.report().unwrap());
    let (mut e, mut r) = (vec![], vec![]);
    let n = if b * l > 500 { 7 } else { 41 };
    for i in 0..n {
        if i < 5 {
            let t = Instant::now();
            std::hint::black_box(f(&model, x.clone()));
            e.push(t.elapsed());
        }
        let t = Instant::now();
        std::hint::black_box(fast.run(x.clone()).unwrap());
        r.push(t.elapsed());
    }
    e.sort();
    r.sort();
    println!(
        "eager {:?} compiled {:?} (min {:?})",
        e[e.len() / 2],
        r[n / 2],
        r[0]
    );
}
