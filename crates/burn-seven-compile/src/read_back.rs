//! A forward pass that reads values, and which ones.

use std::collections::HashMap;

use burn_ir::{OperationIr, TensorId, TensorIr};

use crate::CompileError;
use crate::interpreter::name;

/// What is known of a forward pass that failed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub inputs: &'a [TensorId],
    /// The parameters' paths in the module.
    pub paths: &'a HashMap<TensorId, String>,
    /// What it asked for until then.
    pub operations: &'a [OperationIr],
}

/// What Burn says where values of a tensor on the capture device are read or moved.
const UNKNOWN: [&str; 3] = [
    "has no initialized value",
    "has no concrete value",
    "Cannot move a tensor from a capture device",
];

impl<'a> Asked<'a> {
    /// The error of a forward pass that failed with this message.
    pub fn error(self, message: String) -> CompileError {
        match UNKNOWN.iter().any(|text| message.contains(text)) {
            true => CompileError::ReadBack {
                tensor: self.tensor(&message),
                message,
            },
            false => CompileError::Capture { message },
        }
    }

    /// The tensor that a message is about: what makes it, and its shape and type.
    fn tensor(self, message: &str) -> String {
        let made = id(message).and_then(|id| {
            let (operation, ir) = self.maker(id)?;
            Some((self.origin(operation, id), ir))
        });
        match (made, self.operations.last()) {
            (Some((origin, ir)), _) => {
                let (shape, dtype) = (ir.shape.to_vec(), ir.dtype);
                format!("{origin}, shape {shape:?}, type {dtype:?}")
            }
            (None, Some(last)) => format!("a tensor, after {}", name(last)),
            (None, None) => "a tensor".to_string(),
        }
    }

    /// The operation that makes a tensor; those that are given are made too, without values.
    fn maker(self, id: TensorId) -> Option<(&'a OperationIr, &'a TensorIr)> {
        self.operations.iter().find_map(|operation| {
            let ir = operation.outputs().find(|ir| ir.id == id)?;
            Some((operation, ir))
        })
    }

    /// An input, a parameter, or an operation and where the tensors come from that it reads.
    fn origin(self, operation: &OperationIr, id: TensorId) -> String {
        if let Some(given) = self.given(id) {
            return given;
        }
        let read = operation.inputs().filter_map(|ir| {
            let maker = || Some(name(self.maker(ir.id)?.0));
            self.given(ir.id).or_else(maker)
        });
        let read: Vec<String> = read.collect();
        match read.is_empty() {
            true => name(operation),
            false => format!("{} of {}", name(operation), read.join(" and ")),
        }
    }

    /// What a tensor is called that is not computed.
    fn given(self, id: TensorId) -> Option<String> {
        let input = self.inputs.iter().position(|input| *input == id);
        let input = input.map(|place| format!("input {place}"));
        input.or_else(|| self.paths.get(&id).cloned())
    }
}

/// The tensor whose values are asked for, by what Burn says.
pub(crate) fn read(message: &str) -> Option<TensorId> {
    id(message).filter(|_| UNKNOWN.iter().any(|text| message.contains(text)))
}

/// The tensor that a message names.
fn id(message: &str) -> Option<TensorId> {
    let (_, behind) = message.split_once("TensorId(")?;
    let (number, _) = behind.split_once(')')?;
    Some(TensorId::new(number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tensor_of_a_message() {
        let message = "captured tensor TensorId(17) has no concrete value";
        assert_eq!(id(message), Some(TensorId::new(17)));
        for other in ["no tensor", "TensorId(", "TensorId(x)"] {
            assert_eq!(id(other), None);
        }
    }

    #[test]
    fn a_tensor_that_is_not_known_and_another_failure() {
        let asked = Asked {
            inputs: &[],
            paths: &HashMap::new(),
            operations: &[],
        };
        let error = asked.error("tensor 3 has no concrete value".to_string());
        assert!(
            matches!(&error, CompileError::ReadBack { tensor, .. } if tensor == "a tensor"),
            "{error}"
        );
        let error = asked.error("not today".to_string());
        assert!(matches!(error, CompileError::Capture { .. }), "{error}");
    }
}
