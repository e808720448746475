//! burn-seven in Burn's own trainer.
