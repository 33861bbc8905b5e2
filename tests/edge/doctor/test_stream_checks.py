"""A network camera that gives no picture is asked why, by a real conversation in RTSP or HTTP."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from edge.doctor import device_checks
from edge.doctor.device_checks import check_camera, judge_camera
from edge.doctor.findings import Finding
from edge.doctor.stream_checks import stream_fault
from edge.doctor.stream_talk import SCHEMES, Login, answer_of, authorization
from edge.health.status import TroubleFact
from edge.vision.camera_settings import CameraSettings
from edge.vision.errors import CaptureError
from edge.vision.live import open_stream
from tests.edge.doctor.guarded_camera import PASSWORD, USER, guarded_camera
from tests.edge.health.test_status import AT, make
from tests.edge.instants import wall_instant
from tests.servers import free_port


def login_file(folder: Path, user: str = USER, password: str = PASSWORD) -> Path:
    path = folder / "curb.txt"
    path.write_text(f"{user}\n{password}\n")
    path.chmod(0o600)
    return path


def _refuser() -> socket.socket:
    """Answers whoever connects at once, in words."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError):  # nobody connects before it is closed
            viewer, _ = server.accept()
            with viewer:
                viewer.sendall(b"RTSP/1.0 400 Bad Request\r\n\r\n")
                viewer.recv(4096)

    threading.Thread(target=answer, daemon=True).start()
    return server


def fault(url: str, credentials: Path | None = None) -> tuple[str, str]:
    found = stream_fault(
        CameraSettings(name="curb", source=url, credentials_file=credentials, kind="fixed")
    )
    assert found is not None
    assert PASSWORD not in "".join(found)
    return found


def test_a_camera_that_wants_a_login_is_not_said_to_lack_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_checks, "FRAME_WITHIN_S", 0.5)
    with guarded_camera() as camera:
        settings = CameraSettings(name="curb", source=camera.url)
        (opened,) = check_camera(settings, wall_instant)
        gone = TroubleFact(sentence="camera curb: the stream does not answer", since=AT)
        (told,) = judge_camera(settings, make(troubles={"camera curb": gone}))
    for finding in (opened, told):
        assert isinstance(finding, Finding)
        assert finding.verdict == "fail"
        assert "wants a user and a password (RTSP 401)" in finding.found
        assert "credentials_file" in finding.do
        assert "power" not in finding.found + finding.do


@pytest.mark.parametrize("password", ["hush-hush 8", PASSWORD])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_login_that_is_refused_is_told_from_one_that_is_taken(
    tmp_path: Path, scheme: str, password: str
) -> None:
    path = login_file(tmp_path, password=password)
    with guarded_camera(scheme=scheme) as camera:
        found, do = fault(camera.url, path)
        address = camera.url.replace("://", f"://{USER}:{quote(password)}@")
        with pytest.raises(CaptureError):
            open_stream(address)
    refused = password != PASSWORD
    protocol = SCHEMES[scheme].protocol
    assert ("refuses the user and password" in found) is refused
    assert (f"no such stream ({protocol} 404)" in found) is not refused, "the login was taken"
    assert (str(path) in do) is refused
    asked = [one for one in camera.asked if one.startswith(("DESCRIBE", "GET"))]
    assert {one.count("response=") for one in asked} == {0, 1}
    said = {
        line.partition('response="')[2][:32]
        for one in camera.asked
        for line in one.splitlines()
        if "response=" in line
    }
    assert len(said) == 1, "FFmpeg, which has the same login, answers the same"


def test_a_user_who_may_not_see_the_stream_is_told(tmp_path: Path) -> None:
    with guarded_camera("403 Forbidden") as camera:
        found, do = fault(camera.url, login_file(tmp_path))
        assert "RTSP 403" in found
        assert "let that user see the stream" in do
        assert "credentials_file" in fault(camera.url)[1]


@pytest.mark.parametrize(
    ("scheme", "admitted", "found", "do"),
    [
        ("rtsp", "404 Stream Not Found", "no such stream", "correct the path"),
        ("rtsp", "200 OK", "no picture comes", "H.264"),
        ("rtsps", "503 Service Unavailable", "RTSP 503", "restart the camera"),
        ("http", "200 OK", "no picture comes", "address of a stream"),
        ("https", "503 Service Unavailable", "HTTP 503", "restart the camera"),
    ],
)
def test_what_else_a_camera_says_is_told(scheme: str, admitted: str, found: str, do: str) -> None:
    with guarded_camera(None, admitted=admitted, scheme=scheme) as camera:
        said = fault(camera.url + "?token=s3cret")
        assert found in said[0]
        assert do in said[1]
        assert "s3cret" not in "".join(said)
    assert "s3cret" in camera.asked[0]


@pytest.mark.parametrize("scheme", ["rtsps", "https"])
@pytest.mark.parametrize("silent", [True, False])
def test_a_camera_that_has_no_tls_is_told_so(
    scheme: str, silent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.doctor.stream_checks._TIMEOUT_S", 0.5)
    with guarded_camera(None) as camera, closing(_refuser()) as refuser:
        port = urlsplit(camera.url).port if silent else refuser.getsockname()[1]
        found, do = fault(f"{scheme}://127.0.0.1:{port}/stream1")
    assert f"no TLS can be agreed on with it ({'no answer' if silent else 'WRONG_VER'}" in found
    assert "rtsp:// or http://" in do


def test_a_camera_that_is_not_there_is_told_from_one_that_takes_no_rtsp() -> None:
    for scheme, word in (("rtsp", "RTSP"), ("rtsps", "RTSP"), ("http", "HTTP")):
        found, do = fault(f"{scheme}://127.0.0.1:{free_port()}/stream1")
        assert (f"takes no {word}" in found, f"switch {word} on" in do) == (True, True)
    found, do = fault("rtsp://no-such-camera.invalid/stream1")
    assert ("cannot be resolved" in found, "number address" in do) == (True, True)


def test_a_camera_that_says_nothing_has_no_power_or_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.doctor.stream_checks._TIMEOUT_S", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        found, do = fault(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/stream1")
    assert ("no answer" in found, "check the camera's power" in do) == (True, True)


def test_what_is_no_camera_is_told() -> None:
    assert answer_of(b"HTTP/1.1 400 Bad Request", SCHEMES["rtsp"]) is None
    assert answer_of(b"", SCHEMES["http"]) is None
    with guarded_camera(None, admitted="200 OK") as camera:
        found, do = fault(camera.url.replace("rtsp://", "http://"))
    assert ("does not speak HTTP" in found, "most cameras have HTTP on 80" in do) == (True, True)


@pytest.mark.parametrize(
    ("content", "mode", "do"),
    [
        (None, 0o600, "write "),
        ("alpr\n", 0o600, "write "),
        (f"alpr\n{PASSWORD}\n", 0o644, "run 'chmod 600"),
    ],
)
def test_a_file_that_holds_no_login_is_told_before_the_camera_is_asked(
    tmp_path: Path, content: str | None, mode: int, do: str
) -> None:
    path = tmp_path / "curb.txt"
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    with guarded_camera() as camera:
        found, said = fault(camera.url, path)
    assert str(path) in found
    assert said.startswith(do)
    assert camera.asked == []


def test_a_camera_of_this_machine_is_not_asked() -> None:
    assert stream_fault(CameraSettings(name="front", source="device:0")) is None


@pytest.mark.parametrize(
    ("challenge", "response"),
    [
        ('algorithm=MD5, qop="auth, auth-int"', "8ca523f5e9506fed4657c9700eebdbec"),
        (
            'algorithm=SHA-256, qop="auth, auth-int"',
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_a_login_is_worked_out_as_the_standard_does(challenge: str, response: str) -> None:
    """RFC 7616, section 3.9.1."""
    asked = (
        'Digest realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"'
        f', opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", {challenge}'
    )
    told = authorization(
        [asked],
        Login("Mufasa", "Circle of Life"),
        "GET",
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert told is not None
    assert f'response="{response}"' in told
    assert "qop=auth, nc=00000001" in told
    assert 'opaque="FQhe' in told


def test_a_password_goes_in_the_clear_only_to_a_camera_that_takes_nothing_better() -> None:
    login = Login("Aladdin", "open sesame")
    asked = ['Basic realm="WallyWorld"', 'Digest realm="a", nonce="b", algorithm=MD5']
    assert str(authorization(asked, login, "DESCRIBE", "rtsp://x/", "c")).startswith("Digest")
    # RFC 7617, section 2.
    basic = authorization(asked[:1], login, "DESCRIBE", "rtsp://x/", "c")
    assert basic == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    unknown = ["Negotiate", 'Digest realm="a", nonce="b", algorithm=XYZ']
    assert authorization(unknown, login, "DESCRIBE", "rtsp://x/", "c") is None
    assert "sesame" not in repr(login)
