//! The verdicts of libmodsecurity 3.0.15 on the same stages.
