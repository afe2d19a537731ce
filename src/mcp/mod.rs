//! Tools for AI agents over the Model Context Protocol: what they may use, and why something fails, and never a value.
