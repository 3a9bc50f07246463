import { render } from "preact";
import "./style/colours.css";
import "./style/frame.css";
import "./style/fields.css";
import "./style/videos.css";
import "./style/video.css";
import "./style/tables.css";
import "./style/network.css";
import { App } from "./app";
import { showSettings } from "./settings";

showSettings();
render(<App />, document.body);
