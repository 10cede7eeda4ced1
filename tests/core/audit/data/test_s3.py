"""Photos of a bucket: a server of S3 on this machine, and a real audit of what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("moto", reason="no server of S3: its step of .ci/run runs this")

from cam_core.audit.data import open_data
from cam_core.audit.data.far import place_of
from cam_core.audit.engines import ENGINES
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.engines.fatal import Tiny, rows
from tests.core.audit.tiny import photos, tiny_plan

COUNT = 8
BUCKET = "pictures"
pytestmark = pytest.mark.filterwarnings("ignore")  # of the server, and of Ray


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photos(tmp_path_factory.mktemp("photos"), COUNT, broken=[5])


@pytest.fixture(scope="module")
def bucket(folder: Path) -> Iterator[str]:
    """The same photos in a bucket, on a port of this machine that is free."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")  # nobody is asked for keys
        there = f"http://{host}:{port}"
        client = boto3.client("s3", endpoint_url=there, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        for file in folder.rglob("*.png"):
            client.upload_file(str(file), BUCKET, f"set/{file.relative_to(folder).as_posix()}")
        options = f"region=us-east-1&scheme=http&endpoint_override={host}:{port}"
        yield f"s3://{BUCKET}/set?{options}"
        server.stop()


def test_a_bucket_is_a_folder_of_folders(bucket: str, folder: Path) -> None:
    near, far = list(open_data(folder)), list(open_data(bucket))
    assert [(item.id, item.label) for item in far] == [(item.id, item.label) for item in near]
    assert open_data(bucket).format == "classes"


def test_what_is_not_in_the_bucket_is_told(bucket: str) -> None:
    place = place_of(bucket)
    assert not isinstance(place, Path)
    with pytest.raises(InputError, match=r"image 's3://pictures/set/none.png.*no such file"):
        (place / "none.png").content()
    with pytest.raises(InputError, match="no such file or folder"):
        open_data(bucket.replace("/set", "/none"))


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_has_the_rows_of_the_photos_here(
    name: str, bucket: str, folder: Path, tmp_path: Path
) -> None:
    if name == "ray":
        pytest.importorskip("ray")
    run(tiny_plan(folder), tmp_path / "near")
    engine = ENGINES[name].make(Tiny(bucket), 2, 2)
    run(tiny_plan(bucket), tmp_path / "far", engine=engine)
    near, far = rows(tmp_path / "near"), rows(tmp_path / "far")
    assert [row["photo"] for row in near] == [row["photo"] for row in far]
    for one, other in zip(near, far, strict=True):
        assert other.pop("path").startswith(f"s3://{BUCKET}/set/{one['photo']}?")
        one.pop("path")
        assert (one.pop("error") is None) == (other.pop("error") is None)
        assert one == other
