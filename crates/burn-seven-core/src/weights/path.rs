//! Where a visitor or mapper stands in a module.

/// Names from the root, with the containers that they are in.
#[derive(Default)]
pub(crate) struct ModulePath {
    steps: Vec<(String, String)>,
}

impl ModulePath {
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        self.steps.push((name.to_string(), container.to_string()));
    }

    pub(crate) fn exit(&mut self) {
        self.steps.pop();
    }

    /// The dotted path of the current parameter.
    pub(crate) fn dotted(&self) -> String {
        let names: Vec<&str> = self.steps.iter().map(|(name, _)| name.as_str()).collect();
        names.join(".")
    }

    /// The type of the layer that holds the current parameter, such as `Linear`.
    pub(super) fn layer(&self) -> Option<&str> {
        let (_, container) = self.steps.last()?;
        container.strip_prefix("Struct:")
    }

    /// The path of the parameter whose reparameterization holds the current one, and the
    /// reparameterization's name.
    pub(crate) fn reparameterized(&self) -> Option<(String, &str)> {
        let is_one = |(_, container): &(String, String)| container == "Reparameterization";
        let at = self.steps.iter().position(is_one)?;
        let base: Vec<&str> = self.steps[..at]
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        Some((base.join("."), self.steps[at].0.as_str()))
    }
}
