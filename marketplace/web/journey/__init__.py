"""The main job on any file, headless, in a scratch instance, with every sum checked."""
