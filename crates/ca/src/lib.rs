//! Certificates: local roots, server names, workload identities.
