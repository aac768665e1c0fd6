/** A component that is drawn again only where one of its properties is another one. */
import { Component, type ComponentType, type FunctionComponent, h } from "preact";

export function memo<P extends object>(view: FunctionComponent<P>): ComponentType<P> {
  return class Remembered extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return differs(this.props, next) || differs(next, this.props);
    }
    override render(props: P) {
      return h(view, props);
    }
  };
}

function differs(a: object, b: object): boolean {
  return Object.entries(a).some(([name, value]) => !Object.is(value, Reflect.get(b, name)));
}
