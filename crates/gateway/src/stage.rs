//! The stages, in the order of the pipeline.

pub(crate) mod normalize;
pub(crate) mod route;
pub(crate) mod throttle;
pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod inspect;
pub(crate) mod forward;
pub(crate) mod review;
