"""Making the network good: recipes, schedules, and a loop that survives being stopped."""

from helpers.shadows import refuse_shadows

refuse_shadows()
