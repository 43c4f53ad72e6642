/** The part of the control that is maintenance and what peers want by route target. */
import type { Clock } from "../util/clock.js";
import {
  ControlError,
  type InterestDetail,
  type InterestView,
  type MaintenanceOrder,
  type MaintenanceView,
  type SpeakerSummary,
} from "./control.js";
import { InterestReport } from "./interest-report.js";
import type { Maintenance } from "./maintenance.js";
import type { Reflector } from "./reflector.js";
import type { EstablishedSession } from "./session/types.js";

export class OperationsControl {
  private readonly reflector: Reflector;
  private readonly running: Maintenance | undefined;
  private readonly report: InterestReport;

  constructor(reflector: Reflector, maintenance: Maintenance | undefined, clock: Clock) {
    this.reflector = reflector;
    this.running = maintenance;
    this.report = new InterestReport(reflector, clock);
  }

  interests(): Promise<readonly InterestView[]> {
    return this.report.views();
  }

  interest(session: EstablishedSession): Promise<InterestDetail> {
    const peer = this.reflector.peer(session.id);
    if (peer === undefined) {
      throw new ControlError("invalid", `${session.peerAddress} has no session`);
    }
    return this.report.detail(peer);
  }

  maintenance(): MaintenanceView {
    return this.mode().view();
  }

  begin(order: MaintenanceOrder): MaintenanceView {
    this.mode().begin(order);
    return this.mode().view();
  }

  end(peers: readonly string[] | "all"): MaintenanceView {
    const mode = this.mode();
    if (!mode.end(peers)) {
      throw new ControlError(
        "invalid",
        mode.coversAll
          ? "all peers are in maintenance: end it for all, then begin it for those that should stay in it"
          : "not in maintenance: nothing to end",
      );
    }
    return mode.view();
  }

  /** For the summary: empty while nobody is in maintenance. */
  summary(): Pick<SpeakerSummary, "maintenance"> {
    const view = this.running?.view();
    if (view?.active !== true) return {};
    const { all, named, since, drained } = view;
    return { maintenance: { all, named, since, drained } };
  }

  private mode(): Maintenance {
    if (this.running !== undefined) return this.running;
    throw new ControlError("unsupported", "this speaker has no maintenance mode");
  }
}
