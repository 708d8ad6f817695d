"""The tables, in the style of unittest."""

import unittest

from fqcn_converter.mappings import (
    BLOCK_KEYS,
    COLLECTIONS,
    PLAY_TASK_KEYS,
    TASK_KEYWORDS,
    default_mappings,
    is_task_keyword,
)


class MappingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mappings = default_mappings()

    @classmethod
    def tearDownClass(cls):
        del cls.mappings

    def test_every_name_is_listed_once(self):
        names = [name for text in COLLECTIONS.values() for name in text.split()]
        self.assertEqual(len(names), len(set(names)))

    def test_full_names_have_three_parts(self):
        for collection, names in COLLECTIONS.items():
            with self.subTest(collection=collection):
                for short in names.split():
                    self.assertEqual(self.mappings[short], f"{collection}.{short}")
                    self.assertRegex(self.mappings[short], r"\A[a-z]+\.[a-z]+\.[a-z0-9_]+\Z")

    def test_no_module_is_a_keyword(self):
        self.assertEqual([name for name in self.mappings if is_task_keyword(name)], [])

    def test_block_keys_are_keywords(self):
        for key in BLOCK_KEYS:
            self.assertTrue(is_task_keyword(key))

    def test_play_keys_are_no_task_keywords(self):
        self.assertFalse(PLAY_TASK_KEYS & TASK_KEYWORDS)

    @unittest.skip("the list of modules that Ansible dropped is not kept yet")
    def test_dropped_modules(self):
        self.fail("not reached")

    @unittest.expectedFailure
    def test_every_collection_is_certified(self):
        self.assertTrue(all(name.startswith("ansible.") for name in COLLECTIONS))


class KeywordsTest(unittest.TestCase):
    def setUp(self):
        self.seen = []
        self.addCleanup(self.seen.clear)

    def test_modules_are_no_keywords(self):
        for name in ("copy", "service", "width_items"):
            self.seen.append(is_task_keyword(name))
        self.assertEqual(self.seen, [False] * 3)
