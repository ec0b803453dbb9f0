//! Small test doubles and the way to test vectors.
