"""The finished study that the stories edit."""

import pytest
from workflow_story import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory) -> Story:
    """A finished study; every test must leave it as it was."""
    made = Story(tmp_path_factory.mktemp("story"))
    made.run()
    return made
