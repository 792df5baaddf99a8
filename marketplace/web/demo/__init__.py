"""The demo: labs, experts and three weeks of history, made through the verbs."""
