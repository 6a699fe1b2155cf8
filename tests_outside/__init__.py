"""Projects of other people: made in new environments by django-admin, and verified as README and docs/ tell.

`make test_outside` runs these tests. They install the wheel and import nothing of the repository.
"""
