//! report
/// x
pub struct TrainingReport;
