//! JSON Web Keys, Signatures and Tokens: closed profiles, strict parsing.
