"""People who do not exist doing real work through the verbs: for the demo and the journey."""
