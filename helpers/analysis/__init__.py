"""What the network learned: one method a file, pure functions on arrays."""
