//! Cutting a model.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, TensorData};
use burn_seven_compile::internals::{Value, capture};
use burn_seven_compile::{CompileError, Tensors};

use crate::coupled::Coupled;
use crate::cut::cut;
use crate::dead::{dead, gone};
use crate::flow::Flow;
use crate::groups::Groups;
use crate::report::{GroupReport, LayerReport, ShrinkReport};
use crate::sizes::Sizes;
use crate::values::Values;
use crate::{Group, ShrinkError};

/// Sets a module's own numbers to its parameters' sizes.
type Numbers<M> = dyn Fn(&mut M, &Sizes) + Send + Sync;

/// How a model is looked through and cut.
pub struct Shrink<M> {
    numbers: Option<Arc<Numbers<M>>>,
    changes: bool,
    tolerance: f64,
    timing: usize,
}

impl<M> std::fmt::Debug for Shrink<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shrink")
            .field("numbers", &self.numbers.is_some())
            .field("changes", &self.changes)
            .field("tolerance", &self.tolerance)
            .field("timing", &self.timing)
            .finish()
    }
}

impl<M> Default for Shrink<M> {
    fn default() -> Self {
        Self {
            numbers: None,
            changes: false,
            tolerance: 1e-5,
            timing: 0,
        }
    }
}

impl<M: Module> Shrink<M> {
    /// Cuts that leave the outputs as they are, of modules that hold no sizes as numbers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets numbers that modules hold beside their parameters, after parameters were cut.
    ///
    /// Burn's convolutions hold their `groups`, its recurrent layers `d_hidden`. A group that does
    /// not fit the numbers is not cut, and the report says so.
    ///
    /// ```
    /// # use burn::{module::Module, nn::conv::Conv2d};
    /// # use burn_seven_shrink::{Shrink, Sizes};
    /// # #[derive(Module, Debug)]
    /// # struct Block { depthwise: Conv2d }
    /// let shrink = Shrink::new().with_numbers(|block: &mut Block, sizes: &Sizes| {
    ///     block.depthwise.groups = sizes.size("depthwise.weight", 0);
    /// });
    /// ```
    pub fn with_numbers(mut self, set: impl Fn(&mut M, &Sizes) + Send + Sync + 'static) -> Self {
        self.numbers = Some(Arc::new(set));
        self
    }

    /// Whether also axes are cut that a norm or a mean is taken over, such as the width of a
    /// transformer. Outputs change then, also where zeros are cut, and are not compared: train on
    /// afterwards. Default: false
    pub fn with_changes(mut self, changes: bool) -> Self {
        self.changes = changes;
        self
    }

    /// By how much an output may differ from the model's own, in shares of the largest value.
    /// Default: 1e-5
    pub fn with_tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Measures the forward pass of the example, the median of so many runs on the model's device, the model
    /// and the smaller one in turn.
    /// Default: 0, not at all
    pub fn with_timing(mut self, runs: usize) -> Self {
        self.timing = runs;
        self
    }

    /// The groups of a model, from a forward pass that is captured.
    ///
    /// The model may be on any device. For each group that a pruner would prune a forward pass without
    /// one unit is tried on flex, so that [`Group::fixed`] names what does not follow: an attention that
    /// reshapes to a number of heads, a convolution with groups. Such a try panics inside Burn; the panic
    /// is caught, and its message goes to the standard error as of any panic.
    ///
    /// # Errors
    ///
    /// [`ShrinkError::Capture`] where the forward pass cannot be captured, and
    /// [`ShrinkError::Reparameterized`] for a model with masks in its graph.
    pub fn groups<I, O, F>(&self, model: &M, example: &I, forward: F) -> Result<Groups, ShrinkError>
    where
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O,
    {
        let values = Values::of(model, false)?;
        let here = Here::new(model, example);
        let mut groups = self.captured(&here, &values, &forward)?;
        // What is fixed may move its weights to other groups, which are tried then.
        let mut tried = vec![false; groups.groups.len()];
        while let Some(number) = groups.pruned().into_iter().find(|&number| !tried[number]) {
            tried[number] = true;
            let group = &groups.groups[number];
            if group.units < 2 {
                continue;
            }
            let mut dead = vec![false; group.units];
            dead[group.units - 1] = true;
            let small = self.cut_as(&here.model, &values, std::slice::from_ref(group), &[dead])?;
            if let Err(why) = run(&small, &here.example, &forward) {
                groups.groups[number].fixed =
                    Some(format!("the forward pass does not follow: {why}"));
            }
        }
        Ok(groups)
    }

    /// A model of the same type without the units that are zero, and what was cut.
    ///
    /// A unit goes when all that reads it is zero, or all that makes it is zero and that is seen to
    /// make zeros wherever it is read. The smaller model has parameters of its own; where they were cut they have new
    /// ids, so that an optimizer starts anew with them. Outputs for the example are compared with the
    /// model's.
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups); [`ShrinkError::Mismatch`] where an output is another.
    pub fn shrink<I, O, F>(
        &self,
        model: &M,
        example: I,
        forward: F,
    ) -> Result<(M, ShrinkReport), ShrinkError>
    where
        I: Tensors,
        O: Tensors,
        F: Fn(&M, I) -> O,
    {
        let values = Values::of(model, true)?;
        let here = Here::new(model, &example);
        let groups = self.captured(&here, &values, &forward)?;
        let free: Vec<Group> = groups.free().cloned().collect();
        let mut dead = dead(&free, &values);
        let mut refused: Vec<Option<String>> = vec![None; free.len()];
        let expected = match self.changes {
            true => None,
            false => {
                let outputs = run(&here.model, &here.example, &forward);
                Some(outputs.map_err(|message| CompileError::Capture { message })?)
            }
        };
        let tries = |dead: &[Vec<bool>]| -> Result<Option<String>, ShrinkError> {
            let small = self.cut_as(&here.model, &values, &free, dead)?;
            Ok(match run(&small, &here.example, &forward) {
                Err(why) => Some(why),
                Ok(found) => expected.as_ref().and_then(|expected| {
                    Some(compare(expected, &found, self.tolerance).err()?.to_string())
                }),
            })
        };
        // All at once, or one by one where that does not run.
        if tries(&dead)?.is_some() {
            let all = std::mem::take(&mut dead);
            dead = all.iter().map(|dead| vec![false; dead.len()]).collect();
            for (number, own) in all.into_iter().enumerate() {
                if !own.contains(&true) {
                    continue;
                }
                let before = std::mem::replace(&mut dead[number], own);
                if let Some(why) = tries(&dead)? {
                    refused[number] = Some(why);
                    dead[number] = before;
                }
            }
        }
        let small = self.cut_as(model, &values, &free, &dead)?;
        let there = Here::new(&small, &example);
        if let Some(expected) = &expected {
            let found = run(&there.model, &there.example, &forward);
            let found = found.map_err(|message| CompileError::Capture { message })?;
            compare(expected, &found, self.tolerance)?;
        }
        let mut report = report(&free, &dead, &values, &Values::of(&small, false)?);
        for (group, why) in free.iter().zip(refused) {
            if let Some(why) = why {
                report.groups.push(GroupReport {
                    name: group.name().to_string(),
                    before: group.units,
                    after: group.units,
                    refused: Some(why),
                });
            }
        }
        let after = self
            .captured(&there, &Values::of(&small, false)?, &forward)?
            .multiply_adds();
        for (name, before) in groups.multiply_adds() {
            let own = after.iter().find(|(other, _)| *other == name);
            report.layers.push(LayerReport {
                after: own.map_or(0, |(_, after)| *after),
                name,
                before,
            });
        }
        if self.timing > 0 {
            let models = [model.valid(), small.valid()];
            report.seconds = Some(self.time(&models, &example, &forward));
        }
        Ok((small, report))
    }

    fn captured<I: Tensors, O: Tensors>(
        &self,
        here: &Here<M, I>,
        values: &Values,
        forward: &impl Fn(&M, I) -> O,
    ) -> Result<Groups, ShrinkError> {
        let (captured, _) = capture(&here.model, &here.example, forward)?;
        let flow = Flow::new(&captured, &values.tied());
        let mut groups = Groups::of_flow(&flow, &captured.operations);
        groups.changing = self.changes;
        Ok(groups)
    }

    fn cut_as(
        &self,
        model: &M,
        values: &Values,
        groups: &[Group],
        dead: &[Vec<bool>],
    ) -> Result<M, ShrinkError> {
        // Units of another device's copy are the same; whether it is trained is not.
        let here = Values::of(model, false)?;
        let values = Values {
            autodiff: here.autodiff,
            ..values.clone()
        };
        let mut small = cut(model, &values, &gone(groups, dead));
        if let Some(set) = &self.numbers {
            let sizes = Sizes::of(&small)?;
            set(&mut small, &sizes);
        }
        Ok(small)
    }

    /// The median time of each of two models, which take turns.
    fn time<I: Tensors, O: Tensors>(
        &self,
        models: &[M; 2],
        example: &I,
        forward: &impl Fn(&M, I) -> O,
    ) -> [f64; 2] {
        let device = Device::flex();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..self.timing {
            for (model, times) in models.iter().zip(&mut times) {
                let input = example.clone();
                let start = Instant::now();
                // Moved, so that a device that works on its own has to be done.
                let _ = forward(model, input).on(&device);
                times.push(start.elapsed().as_secs_f64());
            }
        }
        times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        })
    }
}

impl Groups {
    /// A model of the same type without the units that are zero, by these groups alone: nothing is
    /// run, and outputs are not compared. For groups [stated by hand](Self::by_hand).
    ///
    /// # Errors
    ///
    /// [`ShrinkError::Missing`] where a parameter is not there, and [`ShrinkError::Reparameterized`].
    pub fn cut<M: Module>(&self, model: &M) -> Result<(M, ShrinkReport), ShrinkError> {
        let values = Values::of(model, true)?;
        let free: Vec<Group> = self.free().cloned().collect();
        for member in free.iter().flat_map(Group::members) {
            values.shape(&member.path)?;
        }
        let dead = dead(&free, &values);
        let small = cut(model, &values, &gone(&free, &dead));
        let report = report(&free, &dead, &values, &Values::of(&small, false)?);
        Ok((small, report))
    }
}

/// Model and example on flex, without autodiff.
struct Here<M, I> {
    model: M,
    example: I,
}

impl<M: Module, I: Tensors> Here<M, I> {
    fn new(model: &M, example: &I) -> Self {
        let device = Device::flex();
        Self {
            model: model.valid().to_device(&device),
            example: example.on(&device),
        }
    }
}

fn report(groups: &[Group], dead: &[Vec<bool>], before: &Values, after: &Values) -> ShrinkReport {
    let structure = Coupled::new(groups.to_vec());
    let pruned = |group: &Group| structure.as_ref().is_some_and(|own| own.prunes(group));
    let shown = groups
        .iter()
        .zip(dead)
        .filter(|(group, dead)| pruned(group) || dead.contains(&true));
    let groups = shown.map(|(group, dead)| GroupReport {
        name: group.name().to_string(),
        before: group.units,
        after: dead.iter().filter(|&&dead| !dead).count(),
        refused: None,
    });
    let ((parameters, bytes), (parameters_after, bytes_after)) = (before.count(), after.count());
    ShrinkReport {
        groups: groups.collect(),
        layers: Vec::new(),
        parameters: [parameters, parameters_after],
        bytes: [bytes, bytes_after],
        seconds: None,
    }
}

/// The outputs of a forward pass, or what it panicked with.
pub(crate) fn run<M, I: Tensors, O: Tensors>(
    model: &M,
    example: &I,
    forward: &impl Fn(&M, I) -> O,
) -> Result<Vec<TensorData>, String> {
    // Nothing of a run that panicked is used.
    let outputs = catch_unwind(AssertUnwindSafe(|| forward(model, example.clone())));
    let outputs = outputs.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => text.lines().next().unwrap_or_default().to_string(),
        Err(other) => other
            .downcast_ref::<&str>()
            .map_or("a panic", |text| text)
            .to_string(),
    })?;
    let mut values: Vec<Value> = Vec::new();
    outputs
        .take(&mut values)
        .map_err(|error| error.to_string())?;
    Ok(values
        .into_iter()
        .map(|value| value.0.into_data())
        .collect())
}

fn compare(
    expected: &[TensorData],
    found: &[TensorData],
    tolerance: f64,
) -> Result<(), ShrinkError> {
    for (output, (expected, found)) in expected.iter().zip(found).enumerate() {
        let mismatch = |expected: String, found: String| ShrinkError::Mismatch {
            output,
            expected,
            found,
        };
        if expected.shape() != found.shape() {
            let text = |data: &TensorData| format!("{:?}", data.shape().to_vec());
            return Err(mismatch(text(expected), text(found)));
        }
        let largest = expected
            .iter::<f64>()
            .filter(|value| value.is_finite())
            .map(f64::abs)
            .fold(1.0, f64::max);
        let mut pairs = expected.iter::<f64>().zip(found.iter::<f64>());
        let differ = |(one, other): &(f64, f64)| {
            let same = one == other || one.is_nan() && other.is_nan();
            !same && ((one - other).abs() > tolerance * largest || !(one - other).is_finite())
        };
        if let Some((one, other)) = pairs.find(differ) {
            return Err(mismatch(one.to_string(), other.to_string()));
        }
    }
    Ok(())
}
