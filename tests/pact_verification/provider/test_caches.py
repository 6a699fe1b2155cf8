"""Caches: the project's own backends under keys of the run's, and memory where that can't be."""

import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.pact_verification.pact_files import interaction, write_pact
from tests.pact_verification.provider.small_project import SETTINGS, Project, kill, small_project
from tests.pact_verification.running import wait_for_file, without_progress

pytestmark = [pytest.mark.no_database, pytest.mark.measured]

WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
REDIS = f"redis://127.0.0.1:6379/{15 - WORKER % 8}"
"""A Redis database for each process of the test session, since the tests compare all of its keys."""

VIEWS = """
from django.conf import settings
from django.core.cache import cache, caches
from django.core.cache.backends.locmem import LocMemCache
from django.http import JsonResponse
from django.urls import path

TAKEN = caches["default"]


def counted(request):
    seen = [each.get("count") for each in (cache, TAKEN)]
    cache.add("count", 0, None)
    cache.incr("count")
    seen += [each.get("count") for each in (cache, TAKEN)]
    return JsonResponse(seen, safe=False)


def cleared(request):
    cache.set("here", 1)
    cache.clear()
    return JsonResponse([cache.get("here", "gone")], safe=False)


def called(request):
    return JsonResponse(eval(request.GET["code"]), safe=False)


urlpatterns = [path("counted", counted), path("cleared", cleared), path("called", called)]
"""
STATES = """
from django.core.cache import cache

from pact_verification import provider_state


@provider_state("the count is {number:d}")
def count(number):
    cache.set("count", number)


@provider_state("Redis is empty")
def empty():
    import redis

    redis.Redis.from_url("%s").flushdb()


@provider_state("it hangs")
def hangs():
    import time
    from pathlib import Path

    cache.set("count", 1, None)
    Path("hangs").touch()
    time.sleep(600)
""".replace("%s", REDIS)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with small_project(tmp_path, "") as project:
        project.write("shop/urls.py", VIEWS)
        project.write("shop/models.py", "from django.core.cache import caches\n\nTAKEN = caches['default']\n")
        project.write("shop/migrations/0001_initial.py", "from django.db.migrations import Migration\n")
        (tmp_path / "shop/migrations/0002_kettle.py").unlink()
        project.write("shop/pact_states.py", STATES)
        yield project


@pytest.fixture
def mine() -> Iterator[Any]:
    """A Redis of the developer's, with a key."""
    server = redis.Redis.from_url(REDIS)
    name = f"mine_{secrets.token_hex(4)}"
    server.set(name, "precious")
    before = set(server.keys())
    yield server
    assert server.get(name) == b"precious"
    assert set(server.keys()) == before  # and nothing of the run's is left
    server.delete(name)
    server.close()


@pytest.fixture
def memcached() -> Iterator[str]:
    program = shutil.which("memcached")
    if program is None:
        pytest.skip("memcached is not installed here; Debian's package is called memcached")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([program, "-l", "127.0.0.1", "-p", str(port), "-u", "nobody"])
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def use(project: Project, cache: dict[str, Any], more: str = "") -> None:
    project.write("project_settings.py", f"{SETTINGS}\nCACHES = {{'default': {cache!r}}}\n{more}\n")


def expect(project: Project, path: str, body: Any, *, query: str = "", states: tuple[str, ...] = ()) -> None:
    request: dict[str, Any] = {"query": {"code": [query]}} if query else {}
    each = [
        interaction(f"{path} {number}", path, states=list(states), request=request, response={"body": body})
        for number in range(2)
    ]
    write_pact(project.folder / "pacts" / "web.json", *each, provider="shop", consumer="web")


def django(backend: str, location: str = "", **more: Any) -> dict[str, Any]:
    return {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": location, **more}


@pytest.mark.parametrize("isolation", ["transaction", "flush"])
@pytest.mark.parametrize(
    "cache",
    [
        django("locmem.LocMemCache"),
        django("filebased.FileBasedCache", "/no-such-folder/cache"),
        django("db.DatabaseCache", "cache_table"),
    ],
    ids=lambda cache: cache["BACKEND"].rpartition(".")[2],
)
def test_the_projects_backend_is_empty_at_the_beginning_of_each_interaction(
    project: Project, cache: dict[str, Any], isolation: str
) -> None:
    use(project, cache)
    if cache["BACKEND"].endswith("FileBasedCache"):
        project.write("shop/models.py", "")  # Django's makes the folder, before the run begins
    expect(project, "/counted", [None, None, 1, 1])
    run = project.verify("--isolation", isolation)
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    expect(project, "/counted", [4, 4, 5, 5], states=("the count is 4",))
    run = project.verify("--isolation", isolation)
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    expect(project, "/cleared", ["gone"])
    assert project.verify("--isolation", isolation).exit_code == 0
    backend = cache["BACKEND"].rpartition(".")[2]
    expect(project, "/called", [backend, cache], query="[type(caches['default']).__name__, settings.CACHES['default']]")
    run = project.verify()
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    assert not Path("/no-such-folder").exists()


@pytest.mark.parametrize("backend", ["django.core.cache.backends.redis.RedisCache", "django_redis.cache.RedisCache"])
def test_a_redis_of_the_projects_keeps_its_keys_and_gets_none(project: Project, mine: Any, backend: str) -> None:
    use(project, {"BACKEND": backend, "LOCATION": REDIS, "KEY_PREFIX": "shop"})
    expect(project, "/counted", [None, None, 1, 1])
    for options in ([], ["--isolation", "flush"], ["--parallel", "2"]):
        run = project.verify(*options)
        assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    expect(project, "/cleared", ["gone"])
    assert project.verify().exit_code == 0
    if backend.startswith("django_redis"):
        expect(
            project,
            "/called",
            [1, True],
            query="[cache.set('a:1', 1) and cache.delete_pattern('*'), cache.lock('l').acquire()]",
        )
        run = project.verify()
        assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out


def test_a_memcached_of_the_projects_keeps_its_keys(project: Project, memcached: str) -> None:
    from pymemcache.client.base import Client

    client = Client(memcached)
    client.set("mine", "precious", noreply=False)
    use(project, django("memcached.PyMemcacheCache", memcached))
    expect(project, "/counted", [None, None, 1, 1])
    run = project.verify()
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    expect(project, "/cleared", ["gone"])
    assert project.verify().exit_code == 0
    assert client.get("mine") == b"precious"
    client.close()


def test_a_state_that_would_empty_the_projects_redis_is_refused(project: Project, mine: Any) -> None:
    use(project, {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS})
    expect(project, "/counted", [None, None, 1, 1], states=("Redis is empty",))
    run = project.verify()
    assert run.exit_code == 1
    assert "The run refused FLUSHDB at 127.0.0.1:6379: a key is not the run's" in " ".join(run.out.split())


RAW = """
from django.core.cache.backends.redis import RedisCache


class Raw(RedisCache):
    def make_key(self, key, version=None):
        return f"shop:{key}"
"""


def test_keys_that_are_not_the_runs_stay_as_they_are(project: Project, mine: Any) -> None:
    """A client of the project's own, arguments that replace the prefix, and a backend with keys of its own."""
    name = f"shop:{secrets.token_hex(4)}"
    mine.set(name, "precious")
    try:
        use(project, {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS})
        raw = f"__import__('redis').Redis.from_url('{REDIS}')"
        for code, command in (
            (f"{raw}.set('{name}', 1)", "SET"),
            (f"{raw}.get('{name}')", "GET"),
            (f"{raw}.delete('{name}')", "DEL"),
            (f"{raw}.delete(cache.make_key('own'), '{name}')", "DEL"),
            (f"{raw}.set('{name}', cache.make_key('own'))", "SET"),
            (f"{raw}.eval('return 1', 1, '{name}')", "EVAL"),
            (f"{raw}.pipeline().incr('{name}').execute()", "INCRBY"),
            (f"{raw}.flushall()", "FLUSHALL"),
            (f"__import__('django_redis').get_redis_connection().set('{name}', 1)", "SET"),
            (f"cache.delete_pattern('*', prefix='{name}')", "SCAN"),
        ):
            expect(project, "/called", 1, query=code)
            run = project.verify()
            assert run.exit_code == 1, run.out
            server = REDIS.removeprefix("redis://").partition("/")[0]
            assert f"The run refused {command} at {server}: a key is not the run's" in " ".join(run.out.split())
        assert mine.get(name) == b"precious"
        use(
            project,
            {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS},
            f"PACT_ALLOWED_HOSTS = [{server!r}]",
        )
        expect(project, "/called", ["precious"], query=f"[{raw}.get('{name}').decode()]")
        assert project.verify().exit_code == 0
        project.write("shop/raw.py", RAW)
        use(project, {"BACKEND": "shop.raw.Raw", "LOCATION": REDIS})
        expect(project, "/counted", [None, None, 1, 1])
        run = project.verify()
        assert run.exit_code == 0, run.out
        assert "is in memory in this run: its keys leave out the prefix." in " ".join(run.out.split())
    finally:
        mine.delete(name)


def test_caches_in_different_folders_stay_apart(project: Project) -> None:
    folders = {name: django("filebased.FileBasedCache", f"/no-such-folder/{name}") for name in ("default", "other")}
    use(project, {}, f"CACHES = {folders}")
    project.write("shop/models.py", "")
    expect(project, "/called", [None], query="[caches['default'].set('a', 1) or caches['other'].get('a')]")
    run = project.verify()
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out


def test_a_cache_that_a_module_took_at_its_import_is_replaced_too(project: Project, tmp_path: Path) -> None:
    files = django("filebased.FileBasedCache", str(tmp_path / "files"))
    use(project, files, "PACT_CACHES = {'default': 'memory'}")
    project.write("shop/urls.py", f"{VIEWS}\nfrom shop import models\n")
    code = "[models.TAKEN.get('a'), models.TAKEN.set('a', 1), models.TAKEN.get('a'), models.TAKEN.clear()]"
    expect(project, "/called", [None, None, 1, None], query=code)
    run = project.verify()
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    assert not list((tmp_path / "files").iterdir())


def test_a_state_that_changes_the_setting(project: Project) -> None:
    """What it sets is judged as the project's own settings are."""
    project.write(
        "shop/pact_states.py",
        "from django.test import override_settings\n\nfrom pact_verification import provider_state\n\n\n"
        "@provider_state('other caches')\ndef other():\n"
        "    with override_settings(CACHES={'default': {'BACKEND': 'shop.own.Own'}}):\n        yield\n",
    )
    project.write(
        "shop/own.py",
        "from django.core.cache.backends.base import BaseCache\n\n\nclass Own(BaseCache):\n"
        "    def __init__(self, place, params):\n        super().__init__(params)\n",
    )
    use(project, django("locmem.LocMemCache"))
    expect(project, "/called", [None, 1], query="[cache.set('a', 1), cache.get('a')]", states=("other caches",))
    run = project.verify()
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out


def test_under_pytest_a_cache_that_a_views_module_keeps(project: Project, mine: Any) -> None:
    """The first interaction imports the module. Other tests of the session use the project's cache as it is."""
    use(project, {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS})
    expect(project, "/counted", [None, None, 1, 1])
    project.write(
        "test_others.py",
        "from django.core.cache import cache\nfrom shop import urls\n\n\n"
        "def test_other():\n    for each in (cache, urls.TAKEN):\n        assert each.make_key('a') == ':1:a'\n",
    )
    plugin = "pact_verification.pytest_plugin"
    run = project.run("pytest", "pacts", "test_others.py", "-p", plugin, "-p", "no:cacheprovider", "-q")
    assert run.exit_code == 0, run.out
    assert "3 passed" in run.out


def test_the_next_run_deletes_the_keys_of_a_run_that_was_killed(project: Project, mine: Any) -> None:
    use(project, {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS}, "PACT_REQUEST_TIMEOUT = 300")
    expect(project, "/counted", [1, 1, 2, 2], states=("it hangs",))
    before = set(mine.keys())
    process = project.start()
    wait_for_file(project.folder / "hangs", process)
    kill(process)
    assert len(set(mine.keys()) - before) == 1
    expect(project, "/counted", [None, None, 1, 1])
    assert project.verify().exit_code == 0  # and `mine` finds none


def test_a_cache_whose_server_is_away_is_in_memory_and_says_so(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    use(project, {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": f"redis://:hunter2@127.0.0.1:{port}/1"})
    expect(project, "/counted", [None, None, 1, 1])
    run = project.verify()
    note = (
        "The cache 'default' (django_redis.cache.RedisCache) is in memory in this run: its server "
        f"127.0.0.1:{port} can't be reached (Connection refused)."
    )
    assert run.exit_code == 0
    assert note in " ".join(run.out.split())
    expect(project, "/called", 1, query="cache.delete_pattern('*')")
    run = project.verify()
    assert run.exit_code == 1
    why = (
        "AttributeError: The run has put the cache 'default' (django_redis.cache.RedisCache) in memory: "
        f"its server 127.0.0.1:{port} can't be reached (Connection refused). A cache in memory has no 'delete_pattern'."
    )
    assert why in " ".join(run.out.split())
    expect(project, "/called", 1, query="cache.set('a', 1, nx=True)")
    run = project.verify()
    assert run.exit_code == 1
    why = (
        "TypeError: The run has put the cache 'default' (django_redis.cache.RedisCache) in memory: "
        f"its server 127.0.0.1:{port} can't be reached (Connection refused). A cache in memory does not accept the "
        "arguments of set(): got an unexpected keyword argument 'nx'."
    )
    assert why in " ".join(run.out.split())
    assert "hunter2" not in run.out + run.err
    expect(project, "/called", False, query="isinstance(caches['default'], LocMemCache)")
    assert project.verify().exit_code == 0


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (
            {"sessions": "memory"},
            "PACT_CACHES names 'sessions', and CACHES has no such alias. Use one of 'default', or remove it.",
        ),
        (
            {"default": "project"},
            "the run can't use it: its KEY_FUNCTION leaves out the prefix ('shop.keys.bare').",
        ),
        ({"default": "locmem"}, "PACT_CACHES is {'default': 'locmem'}, not a dictionary with 'project' or 'memory'"),
    ],
)
def test_what_pact_caches_can_not_mean_ends_the_run(project: Project, setting: dict[str, str], problem: str) -> None:
    project.write("shop/keys.py", "def bare(key, prefix, version):\n    return key\n")
    use(project, django("locmem.LocMemCache", KEY_FUNCTION="shop.keys.bare"), f"PACT_CACHES = {setting}")
    expect(project, "/counted", [None, None, 1, 1])
    run = project.verify()
    assert run.exit_code == 2
    assert problem in " ".join(run.err.split())


def test_memory_replaces_what_the_run_does_not_know(project: Project) -> None:
    """Both a backend of the project's own, and a key function that leaves out the prefix."""
    project.write(
        "shop/keys.py",
        "from django.core.cache.backends.base import BaseCache\n\n\n"
        "class Own(BaseCache):\n    def __init__(self, place, params):\n        super().__init__(params)\n\n\n"
        "def bare(key, prefix, version):\n    return key\n",
    )
    for cache, reason in (
        ({"BACKEND": "shop.keys.Own"}, "the run does not know how to keep the keys of this backend apart."),
        ({"BACKEND": "no.such.Backend"}, "its backend can't be imported (No module named 'no')."),
        (
            django("locmem.LocMemCache", KEY_FUNCTION="shop.keys.bare"),
            "its KEY_FUNCTION leaves out the prefix ('shop.keys.bare').",
        ),
    ):
        use(project, cache)
        project.write("shop/models.py", "")
        expect(project, "/counted", [None, None, 1, 1])
        run = project.verify()
        assert run.exit_code == 0, run.out
        assert reason in " ".join(run.out.split())
        use(project, cache, "PACT_CACHES = {'default': 'memory'}")
        run = project.verify()
        assert run.exit_code == 0
        assert "is in memory" not in run.out


def test_a_cache_table_that_is_new_is_made_in_kept_databases_too(project: Project) -> None:
    expect(project, "/counted", [None, None, 1, 1])
    assert project.verify("--keepdb").exit_code == 0
    use(project, django("db.DatabaseCache", "cache_table"))
    run = project.verify("--keepdb")
    assert (run.exit_code, without_progress(run.err)) == (0, ""), run.out
    assert not re.search(r"made again", run.out)
