//! Requests and replies of the control socket, shared by server and command line.
