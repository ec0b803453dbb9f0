//! The engine against rules, tests and vectors made by others.

mod crs;
mod crs_3;
mod crs_4;
mod ftw;
mod oracle;
mod vectors;
