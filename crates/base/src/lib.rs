//! Words shared by all packages: ids, secrets, time, events, contracts, and the seams.
