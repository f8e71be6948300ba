import DefaultTheme from "vitepress/theme";
import "katex/dist/katex.min.css";
import "./style.css";
import ParityTable from "./ParityTable.vue";

export default {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component("ParityTable", ParityTable);
  },
};
