//! People, sessions and OAuth 2 clients: login, tokens, discovery.
