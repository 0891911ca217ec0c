"""The window itself: its docks, menus, actions and status bar."""
