from django.test import TestCase


class Nothing(TestCase):
    """What `manage.py test` costs without a test's own work: it makes the test database for this one."""

    def test_nothing(self) -> None:
        pass
