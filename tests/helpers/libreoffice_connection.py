"""The connection to a LibreOffice that waits at a pipe, for the scripts that its own Python runs."""

import time
from contextlib import suppress

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.lang import DisposedException


def value(name, content):
    property_ = PropertyValue()
    property_.Name, property_.Value = name, content
    return property_


def connect(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(3000):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except NoConnectException:
            time.sleep(0.1)  # until LibreOffice has started
    raise SystemExit("LibreOffice does not answer")


def open_desktop(pipe):
    """Return the desktop of the LibreOffice that waits at a pipe."""
    context = connect(pipe)
    return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)


def open_hidden(desktop, file):
    """Open a file without a window."""
    return desktop.loadComponentFromURL(uno.systemPathToFileUrl(file), "_blank", 0, (value("Hidden", True),))


def end(desktop):
    """Let LibreOffice end, which may close the connection before it has answered."""
    with suppress(DisposedException):
        desktop.terminate()
