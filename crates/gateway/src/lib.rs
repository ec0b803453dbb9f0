//! The request pipeline: one file per stage.
