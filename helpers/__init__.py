"""What the lessons share, in the order of the data: data, model, train, analysis, show, course."""
