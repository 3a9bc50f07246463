import { render } from "preact";
import "./style.css";
import { App } from "./app";
import { showSettings } from "./settings";

showSettings();
render(<App />, document.body);
