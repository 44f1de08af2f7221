"""The layers of oned: an upper one may include a lower one, never the reverse."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORDER = ['store', 'core', 'auth', 'objects', 'lifecycle', 'drivers', 'api']
LOWEST = {'config.h', 'version.h'}      # what is configured, and which version this is: for all


def layer(path):
    """Height of a file below oned/: -1 lowest; files beside the folders are main's."""
    parts = pathlib.PurePath(path).parts
    if len(parts) > 1:
        return ORDER.index(parts[0])
    return -1 if parts[0] in LOWEST or parts[0] == 'config.c' else len(ORDER)


class Layers(unittest.TestCase):
    def test_an_upper_layer_includes_lower_ones_only(self):
        wrong = []
        files = [p for p in (ROOT / 'oned').rglob('*.[ch]')]
        self.assertGreater(len(files), 50)
        for path in files:
            name = path.relative_to(ROOT / 'oned')
            for included in re.findall(r'^#include "oned/([^"]+)"', path.read_text(), flags=re.M):
                if layer(included) > layer(name):
                    wrong.append(f'{name} includes {included}')
        self.assertEqual(wrong, [])

    def test_the_common_library_knows_no_program(self):
        for path in (ROOT / 'share' / 'common').rglob('*.[ch]'):
            for included in re.findall(r'^#include "([^"]+)"', path.read_text(), flags=re.M):
                self.assertTrue(included.startswith('common/'), f'{path.name} includes {included}')


if __name__ == '__main__':
    unittest.main()
