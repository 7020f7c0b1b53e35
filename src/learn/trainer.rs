//! trainer
/// x
pub struct Trainer;
/// x
pub struct Progress;
