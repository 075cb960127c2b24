"""Making the network good: recipes, schedules, and a loop that survives being stopped."""
