//! Reads source trees: Flask apps, routes, outgoing calls, committed secrets.
