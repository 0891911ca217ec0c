"""The main window: docks, menus, actions and status bar."""
