//! Where a visitor or mapper stands in a module.

use super::Names;
use super::names::container;

/// Where a visitor or mapper stands in a module.
#[derive(Debug)]
pub(super) struct Place {
    names: Names,
    path: Vec<String>,
    /// The types of the modules that hold it, outermost first.
    pub containers: Vec<String>,
}

impl Place {
    pub(super) fn root(names: Names) -> Self {
        Self {
            names,
            path: Vec::new(),
            containers: Vec::new(),
        }
    }

    pub(super) fn enter(&mut self, name: &str, container_type: &str) {
        self.containers.push(container(container_type).to_string());
        if !self.names.skips(container_type) {
            self.path.push(name.to_string());
        }
    }

    pub(super) fn exit(&mut self, container_type: &str) {
        self.containers.pop();
        if !self.names.skips(container_type) {
            self.path.pop();
        }
    }

    pub(super) fn path(&self) -> String {
        self.path.join(".")
    }
}
