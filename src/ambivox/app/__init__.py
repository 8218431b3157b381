"""The app: a page to speak into, on Gradio.

`listen` and `follow` take one request and give what is to be shown, as plain data; `show` writes that as
HTML, `page` lays it out, and `server` lets a browser see it. Only the last two need Gradio, the extra 'app'.
"""
