# SPDX-License-Identifier: Apache-2.0
"""Each source file names the licence, so that a file that travels alone still says it."""

from tests.support.licence_headers import ROOT, files_without


def test_every_source_file_names_the_licence() -> None:
    missing = [str(file.relative_to(ROOT)) for file in files_without()]
    assert not missing, "python -m tests.support.licence_headers writes the line into each"
