//! Credentials for systemd units: `LoadCredential=NAME:/run/aurora/credentials.sock`, one connection for each at every start.
