//! gRPC on a socket of its own: Envoy takes secrets by name and follows their changes, and local programs fetch an X.509
//! identity (SPIFFE).
