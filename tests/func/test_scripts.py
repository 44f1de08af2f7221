"""The tests that are shell scripts: the storage drivers' scripts, and the libvirt driver's protocol. Each prints a line a check."""
import pathlib
import subprocess
import unittest

from functest import build_dir

HERE = pathlib.Path(__file__).resolve().parent


class Scripts(unittest.TestCase):

    def run_script(self, name):
        done = subprocess.run([HERE / name, build_dir()], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        lines = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith('ok ')]
        self.assertEqual((done.returncode, lines), (0, ['all passed']))

    def test_storage_scripts_do_what_they_say_and_refuse_what_they_must(self):
        self.run_script('remotes')

    def test_the_libvirt_driver_answers_in_order_and_takes_back_what_failed(self):
        self.run_script('vmm_libvirt')

    def test_every_script_can_be_parsed(self):
        root = HERE.parent.parent
        scripts = [root / 'install.sh', *(p for p in (root / 'share').rglob('*') if p.is_file() and not p.is_symlink()
                                          and p.read_bytes()[:64].startswith(b'#!/bin/bash')), *(root / 'share').rglob('*.sh')]
        self.assertGreater(len(scripts), 30)
        for script in scripts:
            done = subprocess.run(['bash', '-n', script], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ''), script)
