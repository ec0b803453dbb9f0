//! Runs a service in its own namespaces, with only its doors inside.
