"""How hard the property tests of this room try."""

from hypothesis import HealthCheck, settings

# 50 examples a property keep `make check` quick; a change in a rule deserves a run with a few thousand
settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("quick")
