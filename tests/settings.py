"""The service's settings for its tests."""

import os

os.environ.setdefault("DJANGO_DEBUG", "true")  # a secret key is made up, and no https is asked for

from config.settings import *  # noqa: F403  # the settings under test, whole
