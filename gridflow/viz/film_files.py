"""The files of movies: an mp4 by ffmpeg, a gif, and the frames themselves if there is no encoder."""

import importlib.util
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, count
from operator import methodcaller
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from gridflow.errors import InputError, RunError
from gridflow.files import make_folder, publish, publish_folder, publishing
from gridflow.viz.films import Film, last_line

Pictures = Callable[[], Iterator[np.ndarray]]
"""Draws the distinct frames of a film in their order; it may be called again."""
TOGETHER = 16
"""Number of frames that the palette of a gif is made of."""
NEARLY = 16
"""Difference between levels of a colour that a search in a palette may not tell apart."""
FASTEST_GIF = 50.0
"""Largest number of frames per second of a gif that viewers respect."""


class EncoderFailed(Exception):
    """An encoder is there but did not do its work."""


def write_film(film: Film, path: Path, pictures: Pictures) -> None:
    """Write a film, whole or not at all; if ffmpeg fails, keep its frames in a folder beside.

    Parameters
    ----------
    film
        The film.
    path
        The file, ``.mp4`` or ``.gif``.
    pictures
        Draws its distinct frames.

    Raises
    ------
    InputError
        If a gif cannot be as fast as the film.
    RunError
        If the file cannot be written; if that is because ffmpeg failed, the message names the folder of the frames.
    """
    try:
        with publishing(path, keep_ending=True) as file:
            file.touch()  # ffmpeg does not say why it cannot write a file
            (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(film, file, pictures)
    except EncoderFailed as error:
        folder = _keep_frames(film, path, pictures)
        number = len(film.pace.times)
        raise RunError(f"cannot write {path}: {error}; the {number} frames are in {folder}") from None


def ffmpeg() -> str | None:
    """Return the path of an ffmpeg executable, the system's or that of imageio-ffmpeg; None if there is none."""
    found = shutil.which("ffmpeg")
    if found is None and importlib.util.find_spec("imageio_ffmpeg") is not None:
        import imageio_ffmpeg  # an optional dependency

        found = str(imageio_ffmpeg.get_ffmpeg_exe())
    return found


def _write_mp4(film: Film, file: Path, pictures: Pictures) -> None:
    """Pipe the frames to ffmpeg, with the colours of high-definition television, which all players assume."""
    width, height = film.movie.size
    colors = "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"
    given = f"-f rawvideo -pix_fmt rgba -s {width}x{height} -r {film.pace.fps:.6g} -i - -an".split()
    made = f"-c:v libx264 -crf 18 -vf {colors} -colorspace bt709 -color_primaries bt709 -color_trc bt709".split()
    command = [str(ffmpeg()), "-y", "-loglevel", "error", *given, *made, "-movflags", "+faststart", str(file)]
    with tempfile.TemporaryFile() as complaints:
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=complaints)
        except OSError as error:
            raise EncoderFailed(f"ffmpeg does not start: {error.strerror}") from error
        try:
            _feed(process, film, pictures)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode:
            _raise(process.returncode, complaints)


def _feed(process: subprocess.Popen[bytes], film: Film, pictures: Pictures) -> None:
    """Write every frame to an encoder, until it ends."""
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as pipe:  # its exit code tells what was wrong
        for picture, times in zip(pictures(), film.repeats, strict=True):
            for _ in range(times):
                pipe.write(picture.data)


def _raise(code: int, complaints: IO[bytes]) -> None:
    told = last_line(complaints)
    if "No space left" in told:
        raise OSError(f"ffmpeg: {told}")
    raise EncoderFailed(f"ffmpeg ended with code {code} ({told})")


def _write_gif(film: Film, file: Path, pictures: Pictures) -> None:
    """Write a gif that repeats for ever; all frames have one palette, so that colours do not flicker."""
    fps, numbers = film.pace.fps, np.cumsum([0, *film.repeats])
    if fps > FASTEST_GIF:
        raise InputError(f"fps = {fps:g}: a gif has {FASTEST_GIF:g} frames per second at most")
    palette = _palette(film)
    ends = np.rint(100 * numbers / fps).astype(int)  # in hundredths of a second, which a gif counts in
    frames = (_rgb(picture).quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures())
    first = next(frames)
    durations = [int(10 * length) for length in np.diff(ends)]
    first.save(file, "GIF", save_all=True, append_images=frames, duration=durations, loop=0, optimize=False)


def _palette(film: Film) -> Image.Image:
    """Return an image with the 256 colours that some frames, evenly spread, have most of, white exactly."""
    stage = film.stage()
    some = np.unique(np.linspace(0, len(film.distinct) - 1, TOGETHER).round().astype(int))
    sample = [np.asarray(_rgb(stage.frame(film.distinct[k])).reduce(2)) for k in some]
    found = Image.fromarray(np.concatenate(sample)).quantize(255, Image.Quantize.MEDIANCUT).getpalette() or []
    colors = np.array(found).reshape(-1, 3)[:255]
    colors = colors[colors.min(axis=1) < 255 - NEARLY]  # Pillow takes another that is nearly white for white
    palette = Image.new("P", (1, 1))
    palette.putpalette([*colors.ravel().tolist(), 255, 255, 255])
    return palette


def _rgb(picture: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(picture[..., :3]))


def _keep_frames(film: Film, path: Path, pictures: Pictures) -> Path:
    """Write every frame as a PNG file into a new folder beside a movie; return it."""
    names = chain([f"{path.stem}_frames"], (f"{path.stem}_frames_{number}" for number in count(2)))
    folder = next(each for each in map(path.with_name, names) if not each.exists())
    prepared = folder.with_name(f".{folder.name}.part")
    make_folder(prepared)
    try:
        number = 0
        for picture, times in zip(pictures(), film.repeats, strict=True):
            encoded = io.BytesIO()
            _rgb(picture).save(encoded, "PNG")
            for _ in range(times):
                number += 1
                publish(prepared / f"{number:06d}.png", methodcaller("write", encoded.getvalue()))
        publish_folder(prepared, folder)
    finally:
        shutil.rmtree(prepared, ignore_errors=True)
    return folder
